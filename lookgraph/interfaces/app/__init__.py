"""The app: look, walk, decide. Pages of Streamlit, which ask the library and hold nothing else."""
