import type { Page } from 'playwright/test';

/** Text with too little contrast: WCAG AA requires 4.5 to 1, or 3 to 1 for large text. */
export interface PaleText {
  readonly text: string;
  readonly ratio: number;
  readonly colours: string;
}

/**
 * Measures all visible text over the backgrounds below it; videos and pictures count as the background of their
 * tiles.
 */
export function paleTexts(page: Page): Promise<PaleText[]> {
  return page.evaluate(() => {
    type Rgba = readonly [red: number, green: number, blue: number, alpha: number];
    const parse = (text: string): Rgba => {
      const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
      return text.startsWith('color(') ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
    };
    const over = ([r, g, b, a]: Rgba, [R, G, B]: Rgba): Rgba => [
      r * a + R * (1 - a),
      g * a + G * (1 - a),
      b * a + B * (1 - a),
      1,
    ];
    const ground = (element: Element | null): Rgba => {
      if (!element) return [255, 255, 255, 1];
      const own = parse(getComputedStyle(element).backgroundColor);
      return own[3] === 1 ? own : over(own, ground(element.parentElement));
    };
    const luminance = ([r, g, b]: Rgba): number => {
      const [x = 0, y = 0, z = 0] = [r, g, b].map((part) => {
        const value = part / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const pale: PaleText[] = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.textContent?.trim() ?? '';
      const element = node.parentElement;
      if (!element || text === '' || element.closest('script, noscript, .visually-hidden')) continue;
      // Disabled elements may have little contrast.
      if (!element.checkVisibility() || element.closest('[aria-disabled="true"]')) continue;
      const style = getComputedStyle(element);
      const below = ground(element);
      const front = over(parse(style.color), below);
      const [high = 0, low = 0] = [luminance(front), luminance(below)].sort((a, b) => b - a);
      const ratio = (high + 0.05) / (low + 0.05);
      const size = Number.parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) pale.push({ text, ratio, colours: `${style.color} on ${below.map(Math.round)}` });
    }
    return pale;
  });
}
