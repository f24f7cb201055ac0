//! `rev`: the characters of each line in reverse order.

use isobox_applet::{Applet, Context, Error, Result, Spec, Status};

/// See the usage text.
pub(crate) const REV: Applet = Applet::new(
    "rev",
    rev,
    "[-0] [FILE]...\n\n\
     Print lines with their characters in reverse order\n\n\
     \t-0\tLines end in NUL",
);

const OPTIONS: Spec = Spec::new("0", &[("zero", '0')]);

fn rev(cx: &mut Context<'_>) -> Result<Status> {
    let mut end = b'\n';
    let mut arguments = cx.parse(&OPTIONS);
    while arguments.next()?.is_some() {
        end = 0;
    }
    let operands = arguments.operands();
    let utf8 = cx.utf8();
    let mut reversed = Vec::new();
    cx.each_input(&operands, |cx, input, name| {
        while let Some(line) = input.line(end).map_err(|error| Error::path(name, error))? {
            let (text, ended) = match line.strip_suffix(&[end]) {
                Some(text) => (text, true),
                None => (line, false),
            };
            reversed.clear();
            match std::str::from_utf8(text) {
                Ok(text) if utf8 => {
                    let mut bytes = [0; 4];
                    for character in text.chars().rev() {
                        reversed.extend_from_slice(character.encode_utf8(&mut bytes).as_bytes());
                    }
                }
                _ => reversed.extend(text.iter().rev()),
            }
            if ended {
                reversed.push(end);
            }
            cx.stdout.put(&reversed)?;
        }
        Ok(())
    })?;
    Ok(cx.status())
}
