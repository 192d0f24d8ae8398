import pg from 'pg';

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

// An idle connection that the server ends is no reason to end the process.
pool.on('error', (error) => console.error(error));
