"""Small mistakes, and the tests that should notice them. See Scripts/mutate."""
