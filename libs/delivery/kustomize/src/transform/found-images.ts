import { GoMap, GoSlice, type GoValue } from '@tiphys/delivery-helm';

/** The images of all containers in objects, sorted, each once. */
export function imagesIn(values: readonly GoValue[]): readonly string[] {
  const images = new Set<string>();
  for (const value of values) collect(value, images);
  return [...images].sort();
}

function collect(value: GoValue, images: Set<string>): void {
  if (value instanceof GoSlice) value.items.forEach((item) => collect(item, images));
  if (!(value instanceof GoMap)) return;
  for (const [key, item] of value.entries) {
    if ((key === 'containers' || key === 'initContainers') && item instanceof GoSlice) item.items.forEach((container) => addImage(container, images));
    collect(item, images);
  }
}

function addImage(container: GoValue, images: Set<string>): void {
  const image = container instanceof GoMap ? container.entries.get('image') : undefined;
  if (typeof image === 'string' && image !== '') images.add(image);
}
