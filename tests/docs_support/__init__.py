"""What runs the examples of the documentation; `inside` is what their programs see."""
