"""The authenticators that come with Posthouse; they are plugins like any other."""
