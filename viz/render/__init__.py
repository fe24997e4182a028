"""A drawing in the languages of files: functions from the model, knowing nothing else."""
