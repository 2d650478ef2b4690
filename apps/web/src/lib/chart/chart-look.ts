/** What all charts have in common: how their paper looks, how prices are written, and the word behind the lines. */
import type { ChartOptions, DeepPartial, ITextWatermarkPluginApi, PriceFormatCustom, Time } from 'lightweight-charts';
import { formatPrice } from '../market/numbers.ts';
import { fade, type Palette } from './palette.ts';

export function paperOf({ text, muted, line, surface }: Palette): DeepPartial<ChartOptions> {
  return {
    layout: {
      background: { color: surface },
      textColor: muted,
      fontFamily: "'Inter Variable', sans-serif",
      fontSize: 12,
      attributionLogo: true,
      panes: { separatorColor: line, enableResize: false },
    },
    grid: { vertLines: { color: fade(line, 0.6) }, horzLines: { color: fade(line, 0.6) } },
    crosshair: {
      mode: 0,
      vertLine: { color: muted, labelBackgroundColor: text },
      horzLine: { color: muted, labelBackgroundColor: text },
    },
  };
}

/** @param decimals as many as the instrument has */
export function priceFormatOf(decimals: number): PriceFormatCustom {
  return { type: 'custom', minMove: 10 ** -decimals, formatter: (price: number) => formatPrice(price, decimals) };
}

/** A faint word across a pane; empty for none. @param fontSize pixels */
export function writeBehind(
  watermark: ITextWatermarkPluginApi<Time> | null,
  { muted }: Palette,
  text: string,
  fontSize: number,
): void {
  const lines = [{ text, color: fade(muted, 0.11), fontSize, fontStyle: '600' }];
  watermark?.applyOptions({ horzAlign: 'center', vertAlign: 'center', lines: text === '' ? [] : lines });
}
