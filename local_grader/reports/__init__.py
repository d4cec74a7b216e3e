"""What a grading came to, for people and programs: text, Markdown, CSV, Parquet, JUnit XML, HTML."""
