"""What must hold for all values, tried with random ones."""

from wasicheck.plugin import Properties

properties = Properties()
