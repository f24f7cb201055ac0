$ clear | od -An -c | tr -d ' '
033[H033[J
~ gnu: asks for the terminal's kind
