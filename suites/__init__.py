"""What is run and how it is grouped: a module for each folder of `vectors/`, one for surfaces, one for properties."""
