"""What the service is measured beside: the same answers as others write them."""
