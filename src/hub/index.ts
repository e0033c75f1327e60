/** The hub room: model folders read and written whole. */
export {
  type ConfigFolder,
  type ModelFolder,
  openConfigFolder,
  openModelFolder,
  readJsonObject,
} from './model-folder.ts'
export { fileError, nodeFiles, writeFilesWhole } from './node-files.ts'
export {
  checkTarget,
  copyFiles,
  LIMBECK_FILE,
  type WriteFolderOptions,
  writeFolder,
} from './write-folder.ts'
