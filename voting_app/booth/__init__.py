"""Casting: from the bytes of a ballot to a durable place in the box and a signed receipt."""
