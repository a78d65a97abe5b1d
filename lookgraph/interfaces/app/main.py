"""What Streamlit runs for everybody who looks, whenever something changes."""

if __name__ == "__main__":  # processes that decode pictures import what is the main module here
    from lookgraph.interfaces.app.frame import show

    show()
