import type { Define } from "../case.ts";
import { argumentCases } from "./arguments.ts";
import { attributeCases } from "./attributes.ts";
import { copyCases } from "./copies.ts";
import { dataCases } from "./data.ts";
import { directoryCases } from "./directories.ts";
import { fileHandleCases } from "./file-handle.ts";
import { fileCases } from "./files.ts";
import { nameCases } from "./names.ts";
import { openCases } from "./open.ts";
import { pathCases } from "./paths.ts";
import { permissionCases } from "./permissions.ts";
import { streamCases } from "./streams.ts";
import { surfaceCases } from "./surface.ts";
import { watchCases } from "./watching.ts";

export const TOPICS: Readonly<Record<string, (define: Define) => void>> = {
  arguments: argumentCases,
  paths: pathCases,
  open: openCases,
  data: dataCases,
  files: fileCases,
  attributes: attributeCases,
  directories: directoryCases,
  names: nameCases,
  permissions: permissionCases,
  copies: copyCases,
  streams: streamCases,
  "file handles": fileHandleCases,
  watching: watchCases,
  surface: surfaceCases,
};
