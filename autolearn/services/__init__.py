"""What page and command line share: actions, estimates, the pipeline, the doctor."""
