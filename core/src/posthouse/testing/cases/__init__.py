"""The cases, one file for each theme. What a case counts for stands in its decorator; its docstring is in the docs."""
