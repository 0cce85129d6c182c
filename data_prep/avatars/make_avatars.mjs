// Draws the avatars data set: 96 x 96 heads, hair length x facial hair, and labels.csv beside them.
//
//   cd data_prep/avatars && npm install --no-package-lock
//   node make_avatars.mjs --out $MODULAR_CLS_DATA/avatars [--per-class 300] [--seed 0]
//
// The style is "Adventurer" by Lisa Wischofsky (https://www.figma.com/community/file/1184595184137881796),
// CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/); pictures made of it must credit her.
// Labels are the designer's own names: hairstyles long01 to long26 and short01 to short19, feature mustache.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createAvatar } from '@dicebear/core';
import * as adventurer from '@dicebear/adventurer';
import { Resvg } from '@resvg/resvg-js';

const SIZE = 96;
const STYLES = adventurer.schema.properties.hair.default;
const BACKGROUNDS = ['b6e3f4', 'f4efd0', 'cfe8cf', 'e8e8e8', 'ffdfbf', 'ffd5dc', 'd1d4f9', 'c0aede'];

// One picture of one joint class. Hairstyles and backgrounds take turns; all else follows from the seed.
function draw(length, facialHair, number, seed) {
  const styles = STYLES.filter((name) => name.startsWith(length));
  const variant = styles[number % styles.length];
  const svg = createAvatar(adventurer, {
    seed: `${seed}/${length}/${facialHair}/${number}`,
    hair: [variant],
    hairProbability: 100,
    features: ['mustache'],
    featuresProbability: facialHair ? 100 : 0,
    backgroundColor: [BACKGROUNDS[number % BACKGROUNDS.length]],
  }).toString();
  return { variant, png: new Resvg(svg, { fitTo: { mode: 'width', value: SIZE } }).render().asPng() };
}

function write(out, perClass, seed) {
  const rows = ['file,style,hair_length,facial_hair,variant'];
  mkdirSync(join(out, 'adventurer'), { recursive: true });
  for (const length of ['long', 'short']) {
    for (const facialHair of [0, 1]) {
      for (let number = 0; number < perClass; number++) {
        const { variant, png } = draw(length, facialHair, number, seed);
        const name = `${length}_${facialHair ? 'facialhair' : 'none'}_${String(number).padStart(4, '0')}.png`;
        writeFileSync(join(out, 'adventurer', name), png);
        rows.push(`adventurer/${name},adventurer,${length},${facialHair},${variant}`);
      }
      console.log(`${perClass} pictures: ${length} hair, facial hair ${facialHair}`);
    }
  }
  writeFileSync(join(out, 'labels.csv'), rows.join('\n') + '\n');
}

// Read the options; a wrong one ends the program with a message.
function options() {
  const known = { out: {}, 'per-class': { default: '300' }, seed: { default: '0' } };
  for (const option of Object.values(known)) option.type = 'string';
  const given = parseArgs({ options: known }).values;
  if (!given.out) throw new Error('--out DIR is needed: the folder to write labels.csv and the pictures to');
  if (existsSync(given.out) && readdirSync(given.out).length > 0) {
    throw new Error(`${given.out} exists and is not empty; give another --out`);
  }
  return [given.out, whole('--per-class', given['per-class'], 1), whole('--seed', given.seed, 0)];
}

function whole(name, text, least) {
  if (/^\d+$/.test(text) && Number(text) >= least) return Number(text);
  throw new Error(`${name} must be a whole number, at least ${least}; got ${text}`);
}

try {
  write(...options());
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
