/** Tickers that the simulation gives a familiar level; any other ticker gets one from its name. */
import type { Ticker } from '@tapecast/contracts/ticker';
import { drawsAt, hashText } from './random.ts';
import type { MarketOptions } from './simulated-market.ts';

interface Character extends Omit<MarketOptions, 'seed'> {
  name: string;
}

const KNOWN: ReadonlyMap<string, Character> = new Map(
  (
    [
      ['MSFT', 'Microsoft Corporation', 420, 0.016, 22e6],
      ['TSLA', 'Tesla, Inc.', 250, 0.034, 95e6],
      ['CVX', 'Chevron Corporation', 155, 0.014, 8e6],
      ['XOM', 'Exxon Mobil Corporation', 110, 0.015, 16e6],
      ['AAPL', 'Apple Inc.', 230, 0.016, 50e6],
      ['AMZN', 'Amazon.com, Inc.', 200, 0.02, 38e6],
      ['GOOG', 'Alphabet Inc.', 175, 0.018, 20e6],
      ['NVDA', 'NVIDIA Corporation', 135, 0.03, 230e6],
      ['META', 'Meta Platforms, Inc.', 590, 0.022, 14e6],
      ['BTC-USD', 'Bitcoin USD', 95_000, 0.028, 300_000],
      ['ETH-USD', 'Ethereum USD', 3_200, 0.035, 4e6],
    ] as const
  ).map(([ticker, name, basePrice, dailyVolatility, dailyVolume]) => [
    ticker,
    { name, basePrice, dailyVolatility, dailyVolume, priceDecimals: 2 },
  ]),
);

export function characterOf(ticker: Ticker): Character {
  const known = KNOWN.get(ticker);
  if (known !== undefined) return known;
  const draws = drawsAt(hashText(ticker), 0);
  return {
    name: ticker,
    basePrice: Math.round(Math.exp(3 + 3 * draws.uniform()) * 100) / 100,
    dailyVolatility: 0.012 + 0.02 * draws.uniform(),
    dailyVolume: Math.round(Math.exp(14 + 3 * draws.uniform())),
    priceDecimals: 2,
  };
}
