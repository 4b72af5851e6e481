/** Runs at most `width` jobs at once, in the order in which they came. */
export class Queue {
  private readonly waiting: (() => Promise<void>)[] = [];
  private running = 0;

  constructor(private readonly width: number) {}

  /** The job's own result; a job whose signal was aborted before its turn never starts. */
  add<T>(job: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.push(async () => {
        if (signal?.aborted) return reject(signal.reason);
        await job().then(resolve, reject);
      });
      this.next();
    });
  }

  private next(): void {
    if (this.running >= this.width) return;
    const job = this.waiting.shift();
    if (!job) return;
    this.running += 1;
    void job().finally(() => {
      this.running -= 1;
      this.next();
    });
  }
}
