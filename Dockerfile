# docker build -t latent-walk . && docker run -p 8501:8501 -v latent-runs:/runs latent-walk
# With a GPU: docker run --gpus all ... (the container runtime brings the driver, torch brings the rest).
FROM python:3.13-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    VAE_DATA=/data \
    VAE_RUNS=/runs

# The volumes belong to the user before they become volumes, so that a fresh named volume is writable.
RUN useradd --create-home --uid 10001 walker \
    && install --directory --owner=walker --group=walker /data /runs

WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
# Readable by the user below, whatever umask the files were checked out with.
COPY --chmod=755 . ./

USER 10001
VOLUME ["/data", "/runs"]
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["python", "-m", "streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true"]
