// wvisor completion: what a shell needs to complete the command line, made of the table of commands.

import { type Command, type CommandInput, UsageError } from "./command.ts";
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-code.ts";

const USAGE = `Usage: wvisor completion bash|zsh|fish

Prints a script by which the shell completes commands, flags and the names of sessions.

  wvisor completion bash > ~/.local/share/bash-completion/completions/wvisor
  wvisor completion zsh > "\${fpath[1]}/_wvisor"
  wvisor completion fish > ~/.config/fish/completions/wvisor.fish
  source <(wvisor completion bash)

Flags:
      --debug  With an error, show where in wVisor it arose

Exit code: 0; 2 when the arguments are wrong.
`;

export const completionCommand: Command = {
  name: "completion",
  summary: "Print a script for a shell's completion",
  usage: USAGE,
  flags: {},
  operandsEndFlags: false,
  exitCodes: { usage: EXIT_USAGE, refused: EXIT_REFUSED },
  run: runCompletion,
};

const SCRIPTS: Readonly<Record<string, (commands: readonly Command[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

async function runCompletion({ operands, output, commands }: CommandInput): Promise<number> {
  const shell = operands[0] ?? "";
  if (operands.length !== 1 || !Object.hasOwn(SCRIPTS, shell))
    throw new UsageError("for which shell? bash, zsh or fish");
  output.out(SCRIPTS[shell]!(await commands()));
  return 0;
}

function flagsOf({ flags }: Command): string[] {
  return [...Object.keys(flags), "help", "debug"].map((name) => `--${name}`).sort();
}

function bashScript(commands: readonly Command[]): string {
  const cases = commands.map((command) => `    ${command.name}) flags="${flagsOf(command).join(" ")}" ;;\n`);
  return `# bash completion for wvisor; made by 'wvisor completion bash'
_wvisor() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" flags=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")} help" -- "$word"))
    return
  fi
  if [ "$before" = --session ]; then
    COMPREPLY=($(compgen -W "$(wvisor sessions --quiet 2>/dev/null)" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("")}  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    *) compopt -o default ;;
  esac
}
complete -F _wvisor wvisor
`;
}

function zshScript(commands: readonly Command[]): string {
  const names = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}\n`);
  const cases = commands.map((command) => `    ${command.name}) flags=(${flagsOf(command).join(" ")}) ;;\n`);
  return `#compdef wvisor
# zsh completion for wvisor; made by 'wvisor completion zsh'
_wvisor() {
  local -a commands flags
  commands=(
${names.join("")}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  if [[ $words[CURRENT-1] == --session ]]; then
    compadd -- \${(f)"$(wvisor sessions --quiet 2>/dev/null)"}
    return
  fi
  case $words[2] in
${cases.join("")}  esac
  if [[ $PREFIX == -* ]]; then compadd -- $flags; else _files; fi
}
compdef _wvisor wvisor
`;
}

function fishScript(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const { name, summary, flags } = command;
    const inCommand = `complete -c wvisor -n '__fish_seen_subcommand_from ${name}'`;
    const named = Object.entries(flags).map(([flag, { type, short }]) => {
      const letter = short === undefined ? "" : ` -s ${short}`;
      const value = type === "string" ? " -r" : "";
      const sessions = flag === "session" ? " -f -a '(wvisor sessions --quiet 2>/dev/null)'" : "";
      return `${inCommand}${letter} -l ${flag}${value}${sessions}\n`;
    });
    return [`complete -c wvisor -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}\n`, ...named];
  });
  return `# fish completion for wvisor; made by 'wvisor completion fish'\n${lines.join("")}`;
}

/** For a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
