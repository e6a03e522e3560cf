"""Texts that would run a script if they were put into a page as they are: those that fired in Gradio's components, and
many more.
"""

from __future__ import annotations

# What sets `window.fired` has run.
RUN = "window.fired=1"
PAYLOADS = (
    # Fired in `gr.HTML`, its templates, `Dataframe(datatype="html")` and `Markdown(sanitize_html=False)`.
    f'<img src=x onerror="{RUN}">',
    f"<script>{RUN}</script>",
    "${" + RUN + "}",
    "{{" + RUN + "}}",
    # Others.
    f"<svg onload={RUN}>",
    f"<svg/onload={RUN}//",
    f"<svg><script>{RUN}</script></svg>",
    f'<svg><animate onbegin="{RUN}" attributeName=x dur=1s>',
    f"<body onload={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<select autofocus onfocus={RUN}>",
    f"<details open ontoggle={RUN}>",
    f"<video><source onerror={RUN}>",
    f"<audio src=x onerror={RUN}>",
    f"<marquee onstart={RUN}>",
    f'<iframe src="javascript:parent.{RUN}"></iframe>',
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f'<a href="javascript:{RUN}" autofocus tabindex=0 onfocus={RUN}>x</a>',
    f'<object data="javascript:{RUN}"></object>',
    f'<math><mtext><table><mglyph><style><img src=x onerror="{RUN}">',
    f"<style>@keyframes a{{}}</style><b style='animation-name:a' onanimationstart={RUN}>",
    f"'\"><img src=x onerror={RUN}>",
    f'" onfocus={RUN} autofocus tabindex=0 x="',
    f"' onmouseover={RUN} style='position:fixed;inset:0' x='",
    f"</section></textarea></title></style></script><img src=x onerror={RUN}>",
    f"<!--><img src=x onerror={RUN}>-->",
    f'<noscript><p title="</noscript><img src=x onerror={RUN}>">',
    f"<form><button formaction=javascript:{RUN} autofocus onfocus={RUN}>x",
    f"\u202e<img src=x onerror={RUN}>",
    f"<IMG SRC=x OnErRoR={RUN}>",
    f"<img/src=x/onerror={RUN}>",
    f"&lt;img src=x onerror={RUN}&gt;",
    f"<template shadowrootmode=open><img src=x onerror={RUN}></template>",
    # Against what is new on the page: attributes of views and cards, pictures, the copied address, code.
    f'" data-address="?"><img src=x onerror={RUN}>',
    f'"></text></svg><img src=x onerror={RUN}>',
    f'<svg><a xlink:href="javascript:{RUN}"><text>x</text></a></svg>',
    f'<svg><foreignObject><iframe srcdoc="<script>parent.{RUN}</script>"></iframe></foreignObject></svg>',
    f"</code></pre><img src=x onerror={RUN}>",
    f"</script><script>{RUN}</script>",
    f"');{RUN};//",
    f'<button data-copy popover onbeforetoggle="{RUN}" autofocus onfocus="{RUN}">x</button>',
    f'<dialog open onclose="{RUN}"><form method=dialog><button autofocus onfocus="{RUN}">x</button></form></dialog>',
    f'<style>@import "data:text/css,*{{}}"</style><img src=x onerror={RUN}>',
)
