"""The canonical ABI: size, alignment, flattening, lowering and lifting of component values; pure."""
