"""What runs beside workers: training, evaluation, replay."""
