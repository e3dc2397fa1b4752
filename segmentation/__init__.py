"""What the training job and the service share: features, scoring, the model card, the registry, errors, settings."""
