"""What happens in an election now, in one view for the committee."""
