import { createClient, type Style } from '../client/index.ts';
import { renderChosen } from './chosen.ts';
import { offerFrames, onControls, showControls } from './controls.ts';
import { find } from './dom.ts';
import { createLibrary } from './library.ts';
import { createLive } from './live.ts';
import { createMasking, type Taken } from './masking.ts';
import { createPainter, type Wish } from './painter.ts';
import { frameOf, type Content } from './painting.ts';
import { takePictures } from './photographs.ts';
import { keep, readContent, readStyle } from './picture.ts';
import { clearProblems, refusalOf, showProblem } from './problems.ts';
import {
  choose,
  fromFragment,
  mostStyles,
  toFragment,
  type ChosenStyle,
  type Settings,
} from './settings.ts';
import { createSheet } from './sheet.ts';
import { stage } from './stage.ts';
import { showCode, takeAway } from './taking.ts';
import { makeTile, type Tile } from './tiles.ts';
import { patience } from './waiting.ts';

const [start, work, sheetSection] = ['#start', '#work', '#sheet'].map((id) =>
  find(id, HTMLElement),
) as [HTMLElement, HTMLElement, HTMLElement];
const sheetStatus = find('#sheet-status', HTMLElement);

const client = createClient(new URL('.', document.baseURI).href);
let settings: Settings = fromFragment(location.hash.slice(1));
let content: Content | undefined;
/** As it was last: who starts it again finds its masks. */
let camera: { readonly width: number; readonly height: number } | undefined;
let readings = 0;
let saving: ReturnType<typeof setTimeout> | undefined;

const actions = {
  pick(style: Style): void {
    setStyles([choose(style.id, style.name)]);
    find('#frame', HTMLElement).scrollIntoView();
    find('#divider', HTMLInputElement).focus({ preventScroll: true });
  },
  add({ id, name }: Style): void {
    addStyle(choose(id, name));
  },
};
const presets: Tile[] = [];
const library = createLibrary(client, actions);
const paintSheet = createSheet(client);
const masking = createMasking(changed);

const wish = (): Wish | undefined => {
  if (!content || settings.styles.length === 0) return undefined;
  return { settings, content, masks: () => masking.blobs() };
};
const painter = createPainter(client, wish, (styleIds) => {
  const styles = settings.styles.map((style, at) => ({ ...style, id: styleIds[at] ?? style.id }));
  settings = { ...settings, styles: styles as ChosenStyle[] };
  saveLink();
});

const live = createLive(client, {
  painting: (frame, masks) => frameOf(settings, frame, masks),
  masks: () => masking.blobs(),
  turned(size) {
    stage.shape(size);
  },
  began(size) {
    painter.cancel();
    void paintSheet(undefined, presets);
    start.hidden = true;
    sheetSection.hidden = false;
    stage.shape(size);
    if (size.width !== camera?.width || size.height !== camera.height) camera = size;
    masking.turnTo(camera);
    const [first] = presets;
    if (first && settings.styles.length === 0)
      setStyles([choose(first.style.id, first.style.name)]);
    else changed();
  },
  ended() {
    if (content) void workOn(content);
    else {
      start.hidden = false;
      sheetSection.hidden = work.hidden = true;
    }
  },
  taken(still, isMirrored) {
    void showPhotograph(still, { isMirrored });
  },
});

const link = () => new URL(`#${toFragment(settings)}`, location.href).href;

function saveLink(): void {
  clearTimeout(saving);
  saving = setTimeout(() => {
    history.replaceState(null, '', link());
  }, 100); // Safari refuses more than a hundred within 30 s
}

/** Something that is painted is not as it was. */
function changed(soon?: number): void {
  saveLink();
  clearProblems();
  const wished = wish();
  work.hidden = !wished && !live.isOn;
  if (live.isOn) live.change();
  else if (wished) {
    void showCode(wished);
    painter.ask(soon);
  }
}

function setStyles(styles: readonly ChosenStyle[]): void {
  settings = { ...settings, styles };
  const ids = new Set(styles.map(({ id }) => id));
  for (const tile of [...presets, ...library.tiles]) tile.mark(ids.has(tile.style.id));
  masking.follow(styles);
  renderChosen(styles, {
    change(at, part) {
      const changedStyles = settings.styles.map((style, i) =>
        i === at ? { ...style, ...part } : style,
      );
      settings = { ...settings, styles: changedStyles };
      changed();
    },
    remove(at) {
      setStyles(settings.styles.filter((_, i) => i !== at));
    },
    save(at, name) {
      void saveStyle(at, name);
    },
  });
  changed(0);
}

function addStyle(style: ChosenStyle): void {
  const others = settings.styles.filter(({ id }) => id === undefined || id !== style.id);
  setStyles([...others.slice(0, mostStyles - 1), style]);
  const replaced = others[mostStyles - 1];
  if (!replaced) return;
  const text = `${mostStyles} styles can be blended: ${style.name} is in the place of ${replaced.name}.`;
  showProblem(new Error(text), 'style');
}

async function saveStyle(at: number, name: string): Promise<void> {
  const picture = settings.styles[at]?.picture;
  const saved = picture && (await library.save(picture, name));
  if (!saved) return;
  masking.rename(picture, saved.id);
  setStyles(
    settings.styles.map((style) => {
      const { weight, alpha } = style;
      return style.picture === picture ? { ...choose(saved.id, saved.name), weight, alpha } : style;
    }),
  );
}

async function showPhotograph(coming: File | Promise<File>, taken?: Taken): Promise<void> {
  const keepsSize = find('#keep-size', HTMLInputElement).checked;
  const mine = ++readings;
  const read = await readPhotograph(coming, keepsSize).catch((error: unknown) => ({ error }));
  if (mine !== readings) return; // another was chosen
  if ('error' in read) {
    start.hidden = false;
    showProblem(read.error, 'content');
    return;
  }
  live.close();
  await workOn((content = read), taken);
}

/** @throws what the service says of one that this browser cannot show */
async function readPhotograph(coming: File | Promise<File>, keepsSize: boolean): Promise<Content> {
  const file = await keep(await coming);
  const read = await readContent(file, keepsSize).catch(() => undefined);
  if (read) return read;
  await listed;
  throw await refusalOf(client, file, presets[0]?.style);
}

async function addOwn(file: File): Promise<void> {
  const picture = await readStyle(await keep(file));
  addStyle({ picture, name: file.name.replace(/\.\w+$/, ''), weight: 1, alpha: 1 });
}

async function workOn(content: Content, taken?: Taken): Promise<void> {
  start.hidden = true;
  sheetSection.hidden = false;
  stage.showPhotograph(content.full, content);
  masking.turnTo(content, taken);
  offerFrames(content.animation !== undefined);
  changed(0);
  await listed;
  await paintSheet(content, presets);
}

async function listPresets(): Promise<void> {
  const options = patience(new AbortController().signal, sheetStatus);
  for await (const style of client.styles({ kind: 'preset', limit: 1000 }, options)) {
    presets.push(makeTile(style, actions));
  }
  sheetStatus.textContent = '';
  find('#tiles', HTMLElement).append(...presets.map(({ element }) => element));
}

/** A link says ids; what these styles are called is known by the tiles, which show that they are chosen. */
function nameStyles(tiles: readonly Tile[]): void {
  const names = new Map(tiles.map(({ style }) => [style.id, style.name]));
  setStyles(
    settings.styles.map((style) => ({ ...style, name: names.get(style.id ?? '') ?? style.name })),
  );
}

takePictures({
  photograph(file) {
    void showPhotograph(file);
  },
  style(file) {
    addOwn(file).catch((error: unknown) => {
      showProblem(error, 'style');
    });
  },
  mask(file) {
    void masking.read(file);
  },
});
find('#another', HTMLButtonElement).addEventListener('click', () => {
  start.hidden = false;
  start.scrollIntoView();
  find('#choose', HTMLInputElement).focus();
});
onControls((controls) => {
  settings = { ...settings, ...controls };
  changed();
});
takeAway(
  () => painter.whole(),
  () => masking.blobs(),
  wish,
  link,
);
showControls(settings);
addEventListener('hashchange', () => {
  settings = fromFragment(location.hash.slice(1)); // a link that was opened here, or the one before
  showControls(settings);
  nameStyles([...presets, ...library.tiles]);
});

const listed = listPresets().catch(showProblem);
await listed;
nameStyles(presets);
// While the store of styles is away nothing else waits for it.
await library.load().catch(showProblem);
sheetStatus.textContent = '';
const chosen = new Set(settings.styles.map(({ id }) => id));
if (library.tiles.some(({ style }) => chosen.has(style.id))) nameStyles(library.tiles);
