"""What must hold for all values: vectors made of random ones, and the search for one that a host fails."""
