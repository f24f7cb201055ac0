$ sync

$ echo >f; sync f

$ echo >f; sync -d f

$ sync missing
? 1

$ echo >f; sync -f f

$ sync --nonsense
? 1

$ sync . .

$ sync -d -f f
? 1
