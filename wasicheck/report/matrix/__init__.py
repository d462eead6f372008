"""The compatibility matrix: several runs as one static site."""
