/** A script tag that stands in for OpenVidu's own: it sets `globalThis.OpenVidu`, and nothing else. */
import { Rejoin } from '../rejoin.ts';

Object.assign(globalThis, { OpenVidu: Rejoin });
