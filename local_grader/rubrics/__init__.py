"""What a judge is asked: rubrics as files, the prompts made of them, and the verdicts read from replies."""
