$ f=$(mktemp); test -f "$f" && stat -c '%a %s' "$f"; rm "$f"
600 0

$ f=$(mktemp -d); stat -c '%a %F' "$f"; rmdir "$f"
700 directory

$ f=$(mktemp ./a.XXXXXX); echo "$f" | sed 's/[A-Za-z0-9]\{6\}$/6/'; ls | wc -l
./a.6
1

$ f=$(mktemp -u); test -e "$f" || echo none
none

$ f=$(mktemp -p . x.XXXXXX); test -f "$f" && echo there
there

$ mktemp a
? 1

$ mktemp -q missing/a.XXXXXX
? 1

$ mktemp missing/a.XXXXXX
? 1

$ f=$(TMPDIR=. mktemp -t a.XXXXXX); test -f "$f" && echo there
there

$ f=$(mktemp --suffix=.c ./a.XXXXXX); echo "$f" | sed 's/[A-Za-z0-9]\{6\}\.c$/6.c/'
./a.6.c
~ busybox: says: unrecognized option '--suffix=.c'

$ mktemp a b
? 1
