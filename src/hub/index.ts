/** The hub room: models found and downloaded, model folders read and written whole. */
export { folderFile } from './folder-file.ts'
export {
  type ConfigFolder,
  type ModelFolder,
  openConfigFolder,
  openModelFolder,
  readJsonObject,
} from './model-folder.ts'
export { fileError, nodeFiles, readTextFile, writeFilesWhole } from './node-files.ts'
export { type ResolvedModel, type ResolveOptions, resolveModel } from './resolve-model.ts'
export {
  checkTarget,
  copyFiles,
  LIMBECK_FILE,
  type WriteFolderOptions,
  writeFolder,
} from './write-folder.ts'
