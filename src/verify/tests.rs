//! Tests of the rules, one bad and one good neighbour each.
