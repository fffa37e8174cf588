"""How each kind of value is searched: equal to a value, inside a range, similar."""
