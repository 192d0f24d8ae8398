import { app } from './app.js';

app.listen(Number(process.env.PORT ?? 8103), '127.0.0.1', (error) => {
  if (error) throw error;
});
