/** Tells elements when they come near the window and when they leave it, so that a long list need not hold all pictures. */
export class Watch {
  private readonly told = new Map<Element, (visible: boolean) => void>();
  private readonly observer = new IntersectionObserver(
    (entries) => entries.forEach((entry) => this.told.get(entry.target)?.(entry.isIntersecting)),
    { rootMargin: '400px' },
  );

  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.observer.disconnect(), { once: true });
  }

  add(element: Element, changed: (visible: boolean) => void): void {
    this.told.set(element, changed);
    this.observer.observe(element);
  }
  remove(element: Element): void {
    this.told.delete(element);
    this.observer.unobserve(element);
  }
}
