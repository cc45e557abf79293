"""What the server answers beside Streamlit's pages: sockets and HTTP routes."""
