import type { Browser, CDPSession } from 'playwright/test';

interface Answer {
  readonly id?: number;
  readonly result?: object;
  readonly error?: { readonly message: string };
}

/**
 * A tab outside Playwright's control. Playwright makes its own pages believe that they are always visible, and
 * browsers never freeze visible pages.
 */
export class BarePage {
  readonly #browser: CDPSession;
  readonly #sessionId: string;
  readonly #contextId: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #count = 0;

  /** Opens `url` in its own browser context. */
  static async open(browser: Browser, url: string): Promise<BarePage> {
    const cdp = await browser.newBrowserCDPSession();
    const { browserContextId } = await cdp.send('Target.createBrowserContext');
    const { targetId } = await cdp.send('Target.createTarget', { url, browserContextId });
    const { sessionId } = await cdp.send('Target.attachToTarget', { targetId, flatten: false });
    return new BarePage(cdp, sessionId, browserContextId);
  }

  private constructor(browser: CDPSession, sessionId: string, contextId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
    this.#contextId = contextId;
    browser.on('Target.receivedMessageFromTarget', ({ message }) => {
      const answer = JSON.parse(message) as Answer;
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
    });
  }

  /** Runs in the page; the result must be JSON. */
  async evaluate<T>(work: () => T | Promise<T>): Promise<T> {
    const { result, exceptionDetails } = (await this.#send('Runtime.evaluate', {
      expression: `(${work})()`,
      awaitPromise: true,
      returnByValue: true,
    })) as { result: { value: T }; exceptionDetails?: { text: string } };
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return result.value;
  }

  /** Stops all code of the page, as browsers do with hidden tabs. */
  async freeze(): Promise<void> {
    await this.#send('Page.setWebLifecycleState', { state: 'frozen' });
  }

  async thaw(): Promise<void> {
    await this.#send('Page.setWebLifecycleState', { state: 'active' });
  }

  async close(): Promise<void> {
    await this.#browser.send('Target.disposeBrowserContext', { browserContextId: this.#contextId });
    await this.#browser.detach();
  }

  #send(method: string, params: object): Promise<object> {
    this.#count += 1;
    const id = this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        this.#waiting.delete(id);
        if (error) reject(new Error(`${method}: ${error.message}`));
        else resolve(result ?? {});
      });
      const message = JSON.stringify({ id, method, params });
      this.#browser.send('Target.sendMessageToTarget', { sessionId: this.#sessionId, message }).catch(reject);
    });
  }
}
