import { Command, Option } from 'commander';
import type { Io } from '../io.ts';
import type { McpFlags } from '../mcp/run-mcp.ts';
import {
  cacheOptions,
  modelOptions,
  outputOptions,
  parallelOptions,
  pictureOptions,
  runtimeOptions,
  samplingOptions,
} from '../options.ts';

export function mcpCommand(io: Io): Command {
  const command = new Command('mcp').description(
    'Eyes for agents: a server of the Model Context Protocol on stdin and stdout.',
  );
  const groups = {
    'Server:': [new Option('--root <folder>', 'pictures may be looked at in it and nowhere else').default('.', 'here')],
    'Model:': modelOptions(),
    'Pictures:': pictureOptions(),
    'Sampling:': samplingOptions().filter(({ long }) => long !== '--stop'),
    'Runtime:': [...parallelOptions(), ...runtimeOptions(), ...cacheOptions()],
    'Output:': outputOptions('messages on stderr as JSON'),
  };
  for (const [heading, options] of Object.entries(groups)) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
  return command.addHelpText('after', notes).action(async (flags: McpFlags) => {
    const { runMcp } = await import('../mcp/run-mcp.ts');
    await runMcp({ flags, io });
  });
}

const notes = `
Tools: look (a question about pictures), read (JSON by a schema), decide (probabilities), see (the picture as the model
sees it). The model is loaded by the first that needs it.

In the settings of an agent:
  {"mcpServers": {"pixtral": {"command": "pixtral", "args": ["mcp", "--model", "pixtral-12b-q4_k_m", "--root", "/home/me/scans"]}}}`;
