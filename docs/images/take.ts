/** Takes the README's screenshots of the product as it runs: `npm run screenshots`. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launchBrowser } from '../../tests/support/browser.ts';
import { startProduct } from '../../tests/support/product.ts';

const SHOTS = [
  { name: 'dashboard-dark', path: '/?t=MSFT&r=1d', width: 1440, height: 900, colorScheme: 'dark' },
  { name: 'dashboard-light', path: '/?t=TSLA&r=1h', width: 1440, height: 900, colorScheme: 'light' },
  { name: 'dashboard-phone', path: '/?t=MSFT&r=1h', width: 390, height: 844, colorScheme: 'dark' },
] as const;
/** Until forecasts of all tickers are there and the first minute of live bars is drawn. */
const SETTLE_MS = 60_000;

const product = await startProduct({ PRICE_SOURCE: 'simulated' });
const browser = await launchBrowser();
try {
  await sleep(SETTLE_MS);
  for (const { name, path, width, height, colorScheme } of SHOTS) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    await page.goto(product.origin + path);
    await page.locator('[data-testid=chart][data-forecast-points]:not([data-forecast-points="0"])').waitFor();
    await sleep(1_500);
    await page.screenshot({ path: join(import.meta.dirname, `${name}.png`) });
    await page.close();
    process.stdout.write(`docs/images/${name}.png\n`);
  }
} finally {
  await browser.close();
  await product.stop();
}
