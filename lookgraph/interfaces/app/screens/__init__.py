"""The screens of the app: each asks the library and shows the answer."""
