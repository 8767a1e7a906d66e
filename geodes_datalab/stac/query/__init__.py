"""What is searched for: places, times and conditions, checked before anything is sent."""
