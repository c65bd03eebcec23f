export { createGitRepo, type GitRepo } from './git-repo.ts';
export { startGitServer, type GitServer, type GitServerBehaviour } from './git-server.ts';
