/** The train room: graphs become training graphs; nothing runs here. */
export { type Backward, backward } from './backward.ts'
