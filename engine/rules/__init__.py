"""The op table and its spellings."""
