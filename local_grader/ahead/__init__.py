"""What is known of a grading before it begins, so that hours of a model's work are not spent on a slip."""
