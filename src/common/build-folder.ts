// Where the build put what is not JavaScript of this very bundle.

/** The path of a file in build/, seen from the sources or from a bundle in build/. */
export function builtFile(name: string): string {
  // Not by way of import.meta.url: to make it and to parse it takes a millisecond of every start.
  const folder = import.meta.dirname;
  return `${import.meta.filename.endsWith(".ts") ? folder.replace(/src\/common$/, "build") : folder}/${name}`;
}
